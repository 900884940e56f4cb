package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// readFile sets what a YAML document says. Keys may be nested or dotted; an unknown or repeated one is refused.
func readFile(c *Config, name string, data []byte) error {
	var doc yaml.Node
	err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return yamlError(name, err)
	}
	r := fileReader{config: c, name: name, settings: map[string]Setting{}}
	for _, s := range c.Settings() {
		r.settings[s.Name] = s
		r.names = append(r.names, s.Name)
	}
	return r.mapping("", doc.Content[0])
}

// yamlLine finds the place in the library's message, which is otherwise about tokens.
var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

func yamlError(name string, err error) error {
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("%s:%s: not YAML: %s", name, m[1], m[2])
	}
	return fmt.Errorf("%s: not YAML: %s", name, strings.ReplaceAll(err.Error(), "\n", " "))
}

type fileReader struct {
	config   *Config
	name     string
	settings map[string]Setting
	names    []string
}

func (r *fileReader) origin(n *yaml.Node) string { return fmt.Sprintf("%s:%d", r.name, n.Line) }

func (r *fileReader) mapping(prefix string, n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("%s: %s must be a mapping of settings", r.origin(n), described(prefix))
	}
	for i := 0; i < len(n.Content); i += 2 {
		if err := r.entry(prefix, n.Content[i], n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func described(prefix string) string {
	if prefix == "" {
		return "the file"
	}
	return strings.TrimSuffix(prefix, ".")
}

func (r *fileReader) entry(prefix string, key, value *yaml.Node) error {
	name := prefix + key.Value
	setting, known := r.settings[name]
	switch {
	case !known && r.isGroup(name):
		return r.mapping(name+".", value)
	case !known:
		return fmt.Errorf("%s: unknown setting %q%s", r.origin(key), name, didYouMean(name, r.names))
	case strings.HasPrefix(r.config.origins[name], r.name+":"):
		return fmt.Errorf("%s: %s is set twice, first at %s", r.origin(key), name, r.config.origins[name])
	}
	text, err := r.scalar(name, value)
	if err != nil || text == "" {
		return err
	}
	return r.config.set(setting, text, r.origin(key))
}

func (r *fileReader) isGroup(name string) bool {
	for _, s := range r.names {
		if strings.HasPrefix(s, name+".") {
			return true
		}
	}
	return false
}

// scalar gives a value as text: a list is joined by commas.
func (r *fileReader) scalar(name string, n *yaml.Node) (string, error) {
	switch {
	case n.Kind == yaml.AliasNode:
		return r.scalar(name, n.Alias)
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return "", nil
	case n.Kind == yaml.ScalarNode:
		return n.Value, nil
	case n.Kind == yaml.SequenceNode && r.settings[name].Type() == "list":
		var items []string
		for _, item := range n.Content {
			text, err := r.scalar(name, item)
			if err != nil {
				return "", err
			}
			items = append(items, text)
		}
		return strings.Join(items, ","), nil
	}
	return "", fmt.Errorf("%s: %s must be a single value", r.origin(n), name)
}
