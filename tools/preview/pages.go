// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"

	"assay/internal/web/page"

	"github.com/a-h/templ"
)

// one is a page at an address of its own.
type one struct {
	name, path, visit string
	code              int
	show              func(r *http.Request) templ.Component
}

func pages() []one {
	return []one{
		{name: "home", path: "/{$}", visit: "/", show: func(r *http.Request) templ.Component { return page.Home(frame(r, "Home", "home"), homeView()) }},
		{name: "grid", path: "/monitoring", visit: "/monitoring", show: func(r *http.Request) templ.Component {
			f := frame(r, "Monitoring", "monitoring")
			f.Wide = true
			return page.Grid(f, gridView(r))
		}},
		{name: "grid-open", path: "/x-open", visit: "/monitoring?open=CC1.3&days=365", show: nothing},
		{name: "home-past", path: "/x-past", visit: "/?past", show: nothing},
	}
}

func nothing(*http.Request) templ.Component { return templ.NopComponent }
