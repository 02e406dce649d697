"""WHY: one call, one caller, in words: what was decided, why, and what would change it. Pure.

    plan + call + caller -> Explanation -> lines for people, or JSON
    a line of the access log -> what happened, in words

Words
    Caller        who is asked about: the evidence, and what is known of where it came from
    Explanation   route or why none, rights and where each came from, the decision of `access.decide()`, the remedy
    Cure          the remedy as a sentence and as commands
    LoggedCall    one line of the access log

explanation   the way in: `explain(plan, call, caller)`
rights        which right came from which role or directly, and what scopes left of it
cures         what somebody would have to do
words         an explanation as lines of text; `requirements` says what a route asks
shapes        an explanation as JSON
logged        what a line of the access log tells
recent        what became of the calls of the last minutes
replay        what another configuration would do with logged calls; changed_calls: which of them, in groups
shadows       what shadow rules said of logged calls
differences   two plans: which calls, roles and clients gain and lose what
"""
