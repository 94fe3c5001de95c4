"""Commands that compute the coefficients of our functions anew, and print them."""
