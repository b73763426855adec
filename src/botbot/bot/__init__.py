"""The gateway process: hears what is said to BotBot and answers as the personality that lives there."""
