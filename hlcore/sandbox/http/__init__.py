"""The HTTP side of the sandbox.

=============  ==========================================================================================
module         holds
=============  ==========================================================================================
`server`       runs the sandbox on a loopback port, in a thread or as `python -m hlcore.sandbox`
`app`          the ASGI application: reads a request, sends or cuts off its answer
`gate`         the checks every request passes: version, token, rate limit, faults, contract
`operations`   one checked request, and the table of operations
`contract`     the fields each body may have, and their types
`answers`      answers and errors in HighLevel's shapes
=============  ==========================================================================================
"""
