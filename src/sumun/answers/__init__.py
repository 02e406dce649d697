"""HAProxy's questions, answered.

listener   sockets around spop.AgentConnection; deadlines; many questions at once
translate  question arguments -> Question; Decision -> answer variables
counted    counts answers and times them
answer     the whole path of one question, readable on one screen

Flow: bytes -> spop -> arguments -> Question -> Evidence (recognition) -> Decision (access)
      -> variables -> spop -> bytes.
"""
