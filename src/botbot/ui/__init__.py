"""The front of the house: templates, styles and small scripts. Pages hand in plain objects and get HTML back."""
