"""What is measured while trading: price buckets, slippage and the why-not funnel."""
