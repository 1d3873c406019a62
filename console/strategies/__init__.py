"""What to trade: edge models and the strategies that use them; limits and sizes are risk's."""
