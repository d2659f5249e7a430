"""The kagent dialect: what its user interface reads and writes (0.10 over A2A 0.3, 1.0 by extension), and the record of
tasks with its controller. Rendering and parsing are pure functions over our own events (`agents.runtime.wire`);
executors and stores know nothing of kagent, and without its environment everything here but the rendering is idle.
"""
