// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"assay/internal/clock"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/rest"
	"assay/internal/testkit"
)

// Requests over loopback, through REST and the Gate to the database and back; the load generator runs on
// the same processors. Beside each figure stands the same request answered by a bare handler with the
// same bytes: what is measured is the difference.

type item struct {
	kind.Meta
	Title  string `json:"title" doc:"What it is called." min:"3" list:""`
	Area   string `json:"area" doc:"Where it belongs." index:""`
	Weight int64  `json:"weight" doc:"How much it counts." min:"1" max:"5" index:""`
	Text   string `json:"text" doc:"What it says." max:"2000"`
	Owner  string `json:"owner" doc:"Whose it is." index:""`
}

func addItem(s *op.Set) {
	op.Kind(s, kind.Kind[item]{Name: "item", Plural: "items", Prefix: "itm", Doc: "An item is for benchmarks.", Object: "risks", Label: "title"})
}

const itemBody = `{"title":"Access is reviewed each quarter","area":"access","weight":3,"owner":"somebody","text":"` +
	`The owner of each system looks at who can get in and what each may do there, takes away what is not needed, and writes down what was decided and why. ` +
	`What was found wrong is mended within five working days."}`

func BenchmarkRESTListOf50(b *testing.B) {
	for _, engine := range engines {
		h := engine.house(b, addItem)
		url := listen(b, handlerOf(b, h))
		for range 500 {
			if code, body := once(b, url, post("/v1/items", itemBody)); code != 201 {
				b.Fatalf("%d %s", code, body)
			}
		}
		list := get("/v1/items?limit=50&area=access")
		_, page := once(b, url, list)
		static := listen(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(page)))
			w.Write(page)
		}))
		for _, conns := range []int{1, 32} {
			b.Run(fmt.Sprintf("%s/%d", engine.name, conns), func(b *testing.B) { load(b, url, list, conns, 200) })
			b.Run(fmt.Sprintf("%s/%d/control", engine.name, conns), func(b *testing.B) { load(b, static, list, conns, 200) })
		}
	}
}

func BenchmarkRESTCreate(b *testing.B) {
	for _, engine := range engines {
		h := engine.house(b, addItem)
		url := listen(b, handlerOf(b, h))
		static := listen(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.WriteHeader(201)
		}))
		for _, conns := range []int{1, 32} {
			b.Run(fmt.Sprintf("%s/%d", engine.name, conns), func(b *testing.B) { load(b, url, post("/v1/items", itemBody), conns, 201) })
			b.Run(fmt.Sprintf("%s/%d/control", engine.name, conns), func(b *testing.B) { load(b, static, post("/v1/items", itemBody), conns, 201) })
		}
	}
}

var engines = []struct {
	name  string
	house func(testing.TB, func(*op.Set)) *testkit.House
}{{"sqlite", testkit.SQLite}, {"postgres", testkit.Postgres}}

func handlerOf(b *testing.B, h *testkit.House) http.Handler {
	b.Helper()
	h.Gate.PerMinute = 1 << 40
	ticks := time.NewTicker(time.Millisecond) // identifiers sort by time: on a clock that stands still each would go to a place of its own
	go func() {
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				h.Clock.Set(clock.System{}.Now())
			case <-b.Context().Done():
				return
			}
		}
	}()
	return rest.Handler(h.Gate, func(*http.Request) (op.Actor, error) { return testkit.As(op.Manager), nil }, rest.Options{})
}

func listen(b *testing.B, h http.Handler) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	go srv.Serve(l) // it ends with the benchmark
	b.Cleanup(func() { srv.Close() })
	return l.Addr().String()
}

func get(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer token\r\n\r\n"
}

func post(path, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer token\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

// once sends one request and gives its answer.
func once(b *testing.B, addr, request string) (int, []byte) {
	b.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	code, body, err := exchange(c, bufio.NewReaderSize(c, 64<<10), request, nil)
	if err != nil {
		b.Fatal(err)
	}
	return code, slices.Clone(body)
}

// exchange writes a request and reads its answer, with as little work as can be: the generator shares the processors.
func exchange(c net.Conn, r *bufio.Reader, request string, buf []byte) (int, []byte, error) {
	if _, err := io.WriteString(c, request); err != nil {
		return 0, buf, err
	}
	code, length := 0, 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, buf, err
		}
		s := strings.TrimRight(string(line), "\r\n")
		if s == "" {
			break
		}
		if code == 0 {
			if code, err = strconv.Atoi(s[9:12]); err != nil {
				return 0, buf, err
			}
		} else if v, ok := strings.CutPrefix(s, "Content-Length: "); ok {
			if length, err = strconv.Atoi(v); err != nil {
				return 0, buf, err
			}
		}
	}
	if cap(buf) < length {
		buf = make([]byte, length)
	}
	buf = buf[:length]
	_, err := io.ReadFull(r, buf)
	return code, buf, err
}

// load sends b.N requests over some connections and reports the rate and how long they took.
func load(b *testing.B, addr, request string, conns, want int) {
	took := make([][]time.Duration, conns)
	var wg sync.WaitGroup
	total, before := clock.Since(), processors(b)
	for i := range conns {
		n := b.N / conns
		if i < b.N%conns {
			n++
		}
		wg.Go(func() {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				b.Error(err)
				return
			}
			defer c.Close()
			r, buf := bufio.NewReaderSize(c, 64<<10), []byte(nil)
			for range n {
				one := clock.Since()
				var code int
				if code, buf, err = exchange(c, r, request, buf); err != nil || code != want {
					b.Errorf("%d %v %.200s", code, err, buf)
					return
				}
				took[i] = append(took[i], one())
			}
		})
	}
	wg.Wait()
	secs := total().Seconds()
	all := slices.Concat(took...)
	slices.Sort(all)
	if len(all) == 0 {
		return
	}
	b.ReportMetric(float64(len(all))/secs, "req/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64((processors(b)-before).Microseconds())/float64(len(all)), "cpu-us/req")
	b.ReportMetric(0, "ns/op")
}

// processors is the time that this process has spent on processors: unlike the clock, it does not depend on who else is busy.
func processors(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
