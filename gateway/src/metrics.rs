//! Metrics, by the conventions of Prometheus.
