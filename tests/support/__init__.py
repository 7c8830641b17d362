"""What the tests share: servers on loopback, composed texts, made-up outlets, ways to run the program."""
