"""HighLevel's rate limits: 100 requests in 10 seconds and 200,000 a day for each location.

===============  ==============================================================
module           holds
===============  ==============================================================
`limiter`        `Limiter`: when the next request of a location may be sent
`daily_budget`   how many requests the day still allows
`headers`        reads `X-RateLimit-*` and `Retry-After`
===============  ==============================================================
"""
