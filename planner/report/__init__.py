"""The health report: what the specialists found, scored, compared with the last one, and shown as HTML, Markdown, JSON.

A report is a Request of its own purpose; this room makes a Report of its Findings, keeps it, and starts it on schedule.
Scoring, comparing and rendering are pure. Nothing here knows Kubernetes; matplotlib is imported when a chart is drawn.
"""
