"""What operations take and answer, by subject. Answers are made by hand from rows, so nothing gets out that is not named here."""
