"""What is kept about people, and how it is handed out, erased and sealed anew."""
