// SPDX-License-Identifier: Apache-2.0

// Package page holds the pages, one file each, as templ components over plain view structs.
//
// A page knows what a person wants to see and in which words. It knows no store, no operation and
// no rule: package web fills the views. Times arrive in the organisation's zone; every address in a
// view is ready to use.
package page
