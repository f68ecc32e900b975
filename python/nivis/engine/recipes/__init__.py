"""What steps were made from, then and now: descriptions that are remembered, compared and explained."""
