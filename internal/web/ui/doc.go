// SPDX-License-Identifier: Apache-2.0

// Package ui is the design system: one templ component per visual word, from which every page is made.
//
// Components take plain data and decide nothing but how it looks. The package knows no kind, no
// rule, no store and no clock: times arrive in the organisation's time zone, verdicts arrive decided.
// No component writes a script or a style attribute; the site's policy would refuse it.
package ui

//go:generate go run github.com/a-h/templ/cmd/templ@v0.3.977 generate -path ..
