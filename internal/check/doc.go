// SPDX-License-Identifier: Apache-2.0

// Package check is the rule engine: it says what holds of the resources that were collected.
//
// A rule is one test of the catalogue, compiled against the kinds: a filter and a condition in CEL
// over one resource, over groups of them or over all, with what the engine joins to each. Logic is
// three-valued: an attribute that no source supplied is unknown, and unknown never becomes a pass.
// It also turns a day's runs into the letter of that day.
//
// It is pure: what it needs it is given, and it keeps nothing. It does not know stores, sources,
// schedules or organisations, and it asks nobody for the time.
package check
