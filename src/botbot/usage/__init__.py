"""What talking costs: exchanges, tokens and money by day, personality, server and model. Numbers only, no words."""
