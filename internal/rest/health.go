// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"net"
	"net/http"
	"strconv"
	"time"

	"assay/internal/errs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// status remembers what was answered, and by which operation.
type status struct {
	http.ResponseWriter
	code int
	op   string
}

func (s *status) WriteHeader(code int) {
	if s.code == 0 {
		s.code = code
	}
	s.ResponseWriter.WriteHeader(code)
}

func (s *status) Write(b []byte) (int, error) {
	if s.code == 0 {
		s.code = http.StatusOK
	}
	return s.ResponseWriter.Write(b)
}

func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// metrics counts requests by operation and status. No address, no id, no organisation stands in them.
type metrics struct {
	took    *prometheus.HistogramVec
	handler http.Handler
}

func newMetrics() *metrics {
	reg := prometheus.NewRegistry()
	m := &metrics{took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "assay_request_seconds", Help: "How long requests to the API took.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}}, []string{"op", "status"})}
	reg.MustRegister(m.took, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.handler = promhttp.HandlerFor(reg, promhttp.HandlerOpts{DisableCompression: true})
	return m
}

func (m *metrics) seen(s *status, took time.Duration) {
	if s.op != "" {
		m.took.WithLabelValues(s.op, strconv.Itoa(s.code)).Observe(took.Seconds())
	}
}

func (s *server) metrics(w http.ResponseWriter, r *http.Request) {
	may := s.opt.Metrics
	if may == nil {
		may = local
	}
	if !may(r) {
		s.problem(w, r, errs.New(errs.NotFound, "there is nothing at this address").Mend("/openapi.json lists what there is"))
		return
	}
	s.met.handler.ServeHTTP(w, r)
}

// local says whether a request came from this machine, through no proxy.
func local(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback() && r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == "" && r.Header.Get("Via") == ""
}

// healthz says that the process runs. It asks nothing else, so that a slow database gets nobody killed.
func (s *server) healthz(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, "application/json", []byte(`{"status":"ok"}`))
}

// readyz says whether the program can serve: the disk took every write, and what it stands on answers.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	select {
	case <-s.gate.DB.Broken():
		s.problem(w, r, errs.New(errs.Unavailable, "a write may not have reached the disk").Mend("start the program again"))
		return
	default:
	}
	if s.opt.Ready != nil {
		if err := s.opt.Ready(r.Context()); err != nil {
			s.log().ErrorContext(r.Context(), "not ready", "error", err)
			s.problem(w, r, errs.New(errs.Unavailable, "not ready").Because(err))
			return
		}
	}
	write(w, http.StatusOK, "application/json", []byte(`{"status":"ready"}`))
}
