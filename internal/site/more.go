// SPDX-License-Identifier: Apache-2.0

package site

import (
	"context"
	"net/http"

	"assay/internal/mcp"
	"assay/internal/op"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// more serves the faces beside REST.
func (a *App) more(mux *http.ServeMux, _ string) {
	mux.Handle("/mcp", mcp.HTTPHandler(a.Gate, a.Who("mcp")))
}

// MCP serves the tools on standard input and output, with the rights of whoever has the data folder.
func (a *App) MCP(ctx context.Context, _ string, org string) error {
	me := Here(org)
	me.Via = "mcp"
	return mcp.Server(a.Gate, func(context.Context) op.Actor { return me }).Run(ctx, &sdk.StdioTransport{})
}

// FileCheck holds a file of an organisation against its digest.
func (a *App) FileCheck(org string) func(context.Context, string) error {
	return func(ctx context.Context, sha string) error { return a.files.check(ctx, org, sha) }
}
