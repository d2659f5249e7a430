"""How a Request becomes a Plan: `runbook` decides by words, `model` lets a language model propose and checks it."""
