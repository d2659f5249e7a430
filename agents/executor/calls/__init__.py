"""Writes through other people's MCP servers, as Actions of kind `call_tool`: what a call is about, whether it may be
proposed, and making it once. Nothing here runs a command line, and nothing here repeats a call.
"""
