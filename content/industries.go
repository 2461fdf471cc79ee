// SPDX-License-Identifier: Apache-2.0

package content

import (
	"embed"
	"sync"
)

//go:embed industries
var industryFiles embed.FS

// Industry is what companies of an industry usually take into scope beside security. It is proposed and never applied.
type Industry struct {
	Key        string             `yaml:"key" json:"key"`
	Title      string             `yaml:"title" json:"title"`
	DataTypes  []string           `yaml:"data_types" json:"data_types,omitempty"`
	Categories []IndustryCategory `yaml:"categories" json:"categories,omitempty"`
	Controls   []string           `yaml:"controls" json:"controls"`               // optional ones of the library
	Crosswalks []string           `yaml:"crosswalks" json:"crosswalks,omitempty"` // other frameworks that matter there
}

// IndustryCategory is a category beside security, and why.
type IndustryCategory struct {
	Key    string `yaml:"key" json:"key"`
	Reason string `yaml:"reason" json:"reason"`
}

// Industries reads the embedded presets of industries.
var Industries = sync.OnceValues(func() ([]Industry, error) { return loadAll[Industry](industryFiles, "industries") })
