"""A world drawn from laws alone: people in taste communities, a block model of friends, items by creators."""
