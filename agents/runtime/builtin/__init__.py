"""The built-in chat model: deterministic, offline, no key. Construct it with `agents.runtime.builtin.model.BuiltinChatModel()`."""
