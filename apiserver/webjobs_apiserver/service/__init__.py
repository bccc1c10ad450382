"""Operations on a site, for every facade. Not one of them knows HTTP."""
