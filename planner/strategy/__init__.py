"""Planning strategies: how a Request becomes a Plan. `runbook` decides by words, `model` lets a language model propose."""
