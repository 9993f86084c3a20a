// Package traces sends the spans of requests to where an operator looks at them, over OTLP/HTTP: a collector, Tempo,
// Jaeger. It does not decide which requests leave spans; whoever asks for one gets it sent.
package traces
