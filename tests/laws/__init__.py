"""Laws: what holds for every loss in the table, whatever its formula."""
