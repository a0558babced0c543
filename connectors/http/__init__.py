"""Any system that speaks JSON over HTTP: signed webhooks in, REST calls out."""
