"""How the processes of a node live: started and watched by the supervisor, told what to do, asked how they are.

part        a process as the supervisor has it: started, watched, restarted with back-off, stopped
readiness   how it says that it is ready, or why it is not
control     what the supervisor and its parts say to each other while they run
health      how they are, as values and on the wire
preload     all is imported before root is dropped

supervisor -> part -> process -> readiness -> supervisor; then questions over control, both ways.
"""
