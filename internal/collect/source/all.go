// SPDX-License-Identifier: Apache-2.0

// Package source lists the connectors that Assay brings along.
//
// It knows their names and nothing else; adding a connector is one package and one line here.
package source

import (
	"assay/internal/clock"
	"assay/internal/collect"
	"assay/internal/collect/source/command"
	"assay/internal/collect/source/file"
	"assay/internal/collect/source/git"
	"assay/internal/collect/source/host"
	"assay/internal/collect/source/mail"
	"assay/internal/collect/source/schema"
	"assay/internal/collect/source/tls"
)

// Connectors are all connectors, in the order in which they are offered. What asks the DNS asks this resolver; without
// one, that of this machine.
func Connectors(dns mail.Resolver) []collect.Connector {
	now, run := clock.System{}, command.System{}
	return []collect.Connector{
		host.Connector(host.This(now, run)),
		file.Connector(func() (schema.Schema, error) { return schema.Declared() }),
		git.Connector(now, run),
		tls.Connector(tls.Internet{}),
		mail.Connector(dns),
	}
}
