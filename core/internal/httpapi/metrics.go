package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/palabre-cms/palabre/core"
)

// metrics counts. Everything that a request touches is bound to its labels beforehand.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	sent     prometheus.Counter
	found    prometheus.Counter
	missed   prometheus.Counter
	evicted  prometheus.Counter
	bytes    prometheus.Gauge
	answers  prometheus.Gauge
	unrouted *tally
}

// tally is the counters of one route.
type tally struct {
	m       *metrics
	route   string
	seconds prometheus.Observer
	hits    prometheus.Counter
	classes [6]prometheus.Counter
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "palabre_http_requests_total", Help: "Requests answered, by route and class of status."}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "palabre_http_request_seconds", Help: "Time to answer, cached answers left out.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"route"}),
		sent:    counter("palabre_http_sent_bytes_total", "Bytes of bodies sent."),
		found:   counter("palabre_cache_hits_total", "Answers that came out of the response cache."),
		missed:  counter("palabre_cache_misses_total", "Answers that had to be computed for the response cache."),
		evicted: counter("palabre_cache_evictions_total", "Answers that left the response cache for want of room."),
		bytes:   gauge("palabre_cache_bytes", "Weight of the response cache."),
		answers: gauge("palabre_cache_answers", "Answers in the response cache."),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.sent, m.found, m.missed, m.evicted, m.bytes, m.answers,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.unrouted = m.tally("unrouted")
	return m
}

// pluginFigures collects how the calls of plugins went at the moment at which it is asked for.
type pluginFigures func() []core.HookFigures

var (
	pluginCalls   = prometheus.NewDesc("palabre_plugin_calls_total", "Calls of a plugin's code, by plugin and by what was called.", []string{"plugin", "hook"}, nil)
	pluginErrors  = prometheus.NewDesc("palabre_plugin_errors_total", "Those that failed; a refusal is no failure.", []string{"plugin", "hook"}, nil)
	pluginSeconds = prometheus.NewDesc("palabre_plugin_seconds_total", "Time that they took, what they waited for below them left out.", []string{"plugin", "hook"}, nil)
)

// Describe implements prometheus.Collector.
func (f pluginFigures) Describe(to chan<- *prometheus.Desc) {
	to <- pluginCalls
	to <- pluginErrors
	to <- pluginSeconds
}

// Collect implements prometheus.Collector.
func (f pluginFigures) Collect(to chan<- prometheus.Metric) {
	for _, v := range f() {
		to <- prometheus.MustNewConstMetric(pluginCalls, prometheus.CounterValue, float64(v.Calls), v.Plugin, v.Hook)
		to <- prometheus.MustNewConstMetric(pluginErrors, prometheus.CounterValue, float64(v.Errors), v.Plugin, v.Hook)
		to <- prometheus.MustNewConstMetric(pluginSeconds, prometheus.CounterValue, v.Took.Seconds(), v.Plugin, v.Hook)
	}
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}

func (m *metrics) tally(route string) *tally {
	t := &tally{m: m, route: route, seconds: m.seconds.WithLabelValues(route), hits: m.found}
	for class := range t.classes {
		if class > 0 {
			t.classes[class] = m.requests.WithLabelValues(route, strconv.Itoa(class)+"xx")
		}
	}
	return t
}

// hit counts an answer out of the cache. Its time is not observed: it would drown the times that matter.
func (t *tally) hit(bytes int) {
	t.classes[2].Inc()
	t.hits.Inc()
	t.m.sent.Add(float64(bytes))
}

func (t *tally) count(status, bytes int, took time.Duration) {
	if class := status / 100; class > 0 && class < len(t.classes) {
		t.classes[class].Inc()
	}
	t.m.sent.Add(float64(bytes))
	t.seconds.Observe(took.Seconds())
}

func (m *metrics) kept(bytes int64, answers int) {
	m.bytes.Set(float64(bytes))
	m.answers.Set(float64(answers))
}

// Metrics gives the page for Prometheus, to be served where only it can reach it.
func (s *Server) Metrics() http.Handler {
	return promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{DisableCompression: true})
}
