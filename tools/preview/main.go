// SPDX-License-Identifier: Apache-2.0

// Command preview serves every page with a made-up company, so that pages can be looked at while
// they are designed. With -shots it photographs them all, in light and dark, wide and narrow, and
// reports what the content policy, the console and the accessibility checker found.
//
// It knows no store and no rule; nothing it shows is real.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"assay/internal/web/static"
)

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func main() {
	listen := flag.String("listen", "127.0.0.1:8099", "address to serve on")
	shots := flag.String("shots", "", "photograph every page into this folder, then stop")
	axe := flag.String("axe", "internal/web/testdata/axe.min.js", "the accessibility checker")
	only := flag.String("only", "", "photograph only the pages whose name has this in it")
	browser := flag.String("browser", "", "path of the browser; empty: found by itself")
	flag.Parse()
	if err := run(*listen, *shots, *axe, *only, *browser); err != nil {
		slog.Error("preview", "error", err)
		os.Exit(1)
	}
}

func run(listen, shots, axe, only, browser string) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	srv := &http.Server{Handler: handler(), ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	base := "http://" + l.Addr().String()
	if shots == "" {
		fmt.Println("Look at", base+"/design")
		return <-failed
	}
	if err := photograph(context.Background(), base, shots, axe, only, browser); err != nil {
		return err
	}
	return srv.Close()
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(static.Prefix, static.Handler())
	for _, p := range pages() {
		if p.path == "" {
			continue
		}
		mux.HandleFunc(p.path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", policy)
			if p.code != 0 {
				w.WriteHeader(p.code)
			}
			if err := p.show(r).Render(r.Context(), w); err != nil {
				slog.Error("render", "page", p.name, "error", err)
			}
		})
	}
	mux.HandleFunc("/live", live)
	mux.HandleFunc("/monitoring/{ref}/controls", controlsOf)
	return mux
}

// live says every few seconds that a run ended.
func live(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	c := http.NewResponseController(w)
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		if _, err := fmt.Fprint(w, ": here\n\n"); err != nil || c.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
			if _, err := fmt.Fprint(w, "event: run\ndata: {}\n\n"); err != nil {
				return
			}
		}
	}
}
