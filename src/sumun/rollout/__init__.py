"""Bring a plan to life, or leave everything as it was.

    YAML -> plan -> HAProxy's files, checked by HAProxy -> an installed generation -> the policy that answerers learn

compile       YAML -> plan and files, with every problem of both; nothing is changed
generation    a number that is given out once, a folder that is made whole or not at all
certificates  the files of TLS, put into the generation; pem_files reads them
watch         when a configuration that was written stands still
rollout       a reload: learn, switch, adopt; on failure nothing has changed
policy        Plan -> Policy, the part of a plan that the answering processes need

A *generation* is one rendered configuration under its number. What fails on the way leaves no trace but a used number.
"""
