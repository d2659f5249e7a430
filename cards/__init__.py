"""The five agent cards: what each service promises. Everything else follows them."""
