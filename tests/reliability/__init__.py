"""The numbered cases of the reliability bar: what each asks for, which tests hold it, and the report of `make reliability`."""
