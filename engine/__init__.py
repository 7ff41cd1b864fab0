"""How we speak Temporal: names, ids, queues, deeds, payloads, the client."""
