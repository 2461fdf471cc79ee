// SPDX-License-Identifier: Apache-2.0

package site

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"assay/internal/errs"
	"github.com/goccy/go-yaml"
)

// Setting is one setting, with its value and where that came from.
type Setting struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	From    string `json:"from"` // default, file, environment or flag
	About   string `json:"about"`
	Default string `json:"default"`
}

// Settings are all settings. Flags stand over the environment, that over the file, that over the default.
type Settings []Setting

// settings lists every setting once: name, default, what it is.
var settings = Settings{
	{Name: "data", Default: "./assay-data", About: "folder of the database, files, keys and anchors"},
	{Name: "database", Default: "", About: "sqlite:FILE or postgres://…; empty means SQLite in the data folder"},
	{Name: "listen", Default: "127.0.0.1:8080", About: "address that the server listens on"},
	{Name: "public_url", Default: "", About: "address under which people reach the server; empty means http:// and the listen address"},
	{Name: "seal_keys", Default: "", About: "file or folder of the keys that seal secrets; empty means keys in the data folder, made at the first start"},
	{Name: "server", Default: "", About: "address of a running server that commands are sent to; empty means in this process"},
	{Name: "token", Default: "", About: "API token for the server"},
	{Name: "org", Default: "", About: "organisation: its id, or at the first start its name"},
	{Name: "log_level", Default: "info", About: "debug, info, warn or error"},
	{Name: "log_format", Default: "text", About: "text or json"},
	{Name: "max_file_mb", Default: "200", About: "largest file that can be brought as evidence, in MB"},
	{Name: "dns_resolver", Default: "", About: "IP address (and port) of the resolver that sources of mail domains ask; empty means the one of this machine"},
	{Name: "every_minutes", Default: "5", About: "how often the server looks which sources are due"},
}

// Load reads the settings. given are the flags that were set.
func Load(given map[string]string) (Settings, error) {
	out := slices.Clone(settings)
	data := given["data"]
	if data == "" {
		data = os.Getenv("ASSAY_DATA")
	}
	if data == "" {
		data = settings.Get("data")
	}
	file, err := readFile(filepath.Join(data, "assay.yaml"))
	if err != nil {
		return nil, err
	}
	for i := range out {
		s := &out[i]
		s.Value, s.From = s.Default, "default"
		if v, ok := file[s.Name]; ok {
			s.Value, s.From = fmt.Sprint(v), "file"
			delete(file, s.Name)
		}
		env := "ASSAY_" + strings.ToUpper(s.Name)
		if v, ok := os.LookupEnv(env); ok {
			s.Value, s.From = v, "environment"
		} else if v, ok := os.LookupEnv(env + "_FILE"); ok {
			b, err := os.ReadFile(v)
			if err != nil {
				return nil, errs.At(env+"_FILE", "cannot be read").Because(err)
			}
			s.Value, s.From = strings.TrimSpace(string(b)), "environment"
		}
		if v, ok := given[s.Name]; ok {
			s.Value, s.From = v, "flag"
		}
	}
	for name := range file {
		return nil, errs.At(name, "assay.yaml has a setting that does not exist").Mend("see: assay config")
	}
	return out, nil
}

func readFile(path string) (map[string]any, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, errs.New(errs.Unavailable, "%s cannot be read", path).Because(err)
	}
	var m map[string]any
	if err := yaml.Unmarshal(b, &m); err != nil {
		return nil, errs.At("assay.yaml", "%s", yaml.FormatError(err, false, false))
	}
	return m, nil
}

// Get is the value of a setting.
func (s Settings) Get(name string) string {
	i := slices.IndexFunc(s, func(x Setting) bool { return x.Name == name })
	if i < 0 {
		panic("there is no setting " + name) // a slip in the source, met by every test that starts the program
	}
	if s[i].From == "" {
		return s[i].Default
	}
	return s[i].Value
}

// Shown is the settings as they may be shown: without secrets.
func (s Settings) Shown() Settings {
	out := slices.Clone(s)
	for i := range out {
		if out[i].Name == "token" && out[i].Value != "" {
			out[i].Value = "[secret]"
		}
		if out[i].Name == "database" && strings.Contains(out[i].Value, "@") {
			head, tail, _ := strings.Cut(out[i].Value, "://")
			_, host, _ := strings.Cut(tail, "@")
			out[i].Value = head + "://[secret]@" + host
		}
	}
	return out
}
