"""HAProxy's questions, answered.

listener      the Unix socket, and all its connections together
conversation  one connection: an asyncio protocol around spop.AgentConnection
room          how many connections at a time, and who waits for a place
desk          the questions of all connections: deadline, bounds, what becomes of failures
later         an answer that is still to come, without a task of its own
translate     question arguments -> Question; Decision -> answer variables
counted       counts answers and times them
settled       what follows from rights alone, worked out once for each profile and rule
learned       what HAProxy may keep of an answer; returning: that a token came again; keeper_link: the way to the keeper
opened        allowed requests that may stay open, and whether they may go on; stream_link tells the keeper
answer        the whole path of one question, readable on one screen

Flow: bytes -> spop -> arguments -> Question -> Evidence (recognition) -> Decision (access)
      -> variables -> spop -> bytes.
"""
