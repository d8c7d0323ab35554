"""Flow methods side by side on pairs with exactly known flow below and around one px."""
