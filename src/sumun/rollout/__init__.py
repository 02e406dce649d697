"""Bring a plan to life, or leave everything as it was.

policy   Plan -> Policy, the part of a plan that the answering processes need
"""
