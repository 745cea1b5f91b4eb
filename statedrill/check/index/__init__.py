"""Operations by object and client, and what the checks read from them in common."""
