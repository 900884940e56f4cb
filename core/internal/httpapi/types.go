package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

// maxSchema is the most that a schema weighs.
const maxSchema = 256 << 10

// typeLine is a content type in the list of them.
type typeLine struct {
	Name        core.TypeName   `json:"name"`
	Plural      string          `json:"plural,omitempty"`
	Label       core.Text       `json:"label,omitempty"`
	PluralLabel core.Text       `json:"pluralLabel,omitempty"`
	Description core.Text       `json:"description,omitempty"`
	Icon        string          `json:"icon,omitempty"`
	TitleField  string          `json:"titleField,omitempty"`
	SlugField   string          `json:"slugField,omitempty"`
	GeoField    string          `json:"geoField,omitempty"`
	Public      bool            `json:"public"`
	Singleton   bool            `json:"singleton"`
	Locales     []core.Locale   `json:"locales,omitempty"`
	Workflow    string          `json:"workflow,omitempty"`
	Schema      json.RawMessage `json:"schema"`
}

func listTypes(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request); err != nil {
		return err
	}
	return s.askSelf(c, "types", func(ctx context.Context, who *core.Principal, types []*core.Type) ([]byte, error) {
		lines := make([]typeLine, len(types))
		for i, t := range types {
			schema, err := s.o.Reader.Schema(ctx, who, t.Name)
			if err != nil {
				return nil, err
			}
			lines[i] = typeLineOf(t, schema)
		}
		return mustJSON(map[string]any{"data": lines}), nil
	})
}

func typeLineOf(t *core.Type, schema core.Doc) typeLine {
	return typeLine{Name: t.Name, Plural: t.Plural, Label: t.Label, PluralLabel: t.PluralLabel, Description: t.Description,
		Icon: t.Icon, TitleField: t.TitleField, SlugField: t.SlugField, GeoField: t.GeoField, Public: t.Public,
		Singleton: t.Singleton, Locales: t.Locales, Workflow: t.Workflow.Name, Schema: schema}
}

func readType(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request); err != nil {
		return err
	}
	schema, err := s.o.Reader.Schema(c.Request.Context(), of(c).who, typeParam(c))
	if err != nil {
		return err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, schema); err != nil {
		return core.Wrap("httpapi.readType", err)
	}
	return s.sendJSON(c, compact.Bytes())
}

func checkType(s *Server, c *gin.Context) error {
	schema, repairs, err := s.proposed(c)
	if err != nil {
		return err
	}
	review, err := s.o.Schemas.Check(c.Request.Context(), of(c).who, typeParam(c), schema, repairs)
	if err != nil {
		return err
	}
	reply(c, http.StatusOK, mustJSON(review))
	return nil
}

func applyType(s *Server, c *gin.Context) error {
	schema, repairs, err := s.proposed(c)
	if err != nil {
		return err
	}
	review, err := s.o.Schemas.Apply(c.Request.Context(), of(c).who, typeParam(c), schema, repairs)
	if err != nil {
		return err
	}
	c.Writer.Header().Set(positionHeader, strconv.FormatUint(uint64(s.o.Catalog.Position()), 10))
	status := http.StatusOK
	if review.New {
		status = http.StatusCreated
		c.Writer.Header().Set("Location", s.absolute("/api/v1/types/"+string(typeParam(c))))
	}
	reply(c, status, mustJSON(review))
	return nil
}

// proposed reads a schema, as it was written: the order of its properties means something.
func (s *Server) proposed(c *gin.Context) ([]byte, []core.Repair, error) {
	if s.o.Schemas == nil {
		return nil, nil, core.Refuse(core.CodeForbidden, "", "Content types cannot be changed on this server.", "Les types de contenu ne peuvent pas être modifiés sur ce serveur.")
	}
	if err := onlyParams(c.Request); err != nil {
		return nil, nil, err
	}
	body, raw, err := s.object(c, s.o.BodyBytes, jsonTypes)
	if err != nil {
		return nil, nil, err
	}
	for name := range body {
		if name != "schema" && name != "repairs" {
			return nil, nil, unknownMember(name, "schema", "repairs")
		}
	}
	return schemaFrom(rawMembers(raw))
}

func schemaFrom(members map[string]json.RawMessage) ([]byte, []core.Repair, error) {
	schema := bytes.TrimSpace(members["schema"])
	if len(schema) == 0 || schema[0] != '{' {
		return nil, nil, invalid("/schema", "required", "Give the JSON Schema of the type.", "Donnez le JSON Schema du type.")
	}
	if len(schema) > maxSchema {
		return nil, nil, tooLarge(maxSchema)
	}
	var repairs []core.Repair
	if given := members["repairs"]; len(given) > 0 {
		d := json.NewDecoder(bytes.NewReader(given))
		d.UseNumber()
		d.DisallowUnknownFields()
		if err := d.Decode(&repairs); err != nil {
			return nil, nil, invalid("/repairs", "type", "A repair is {kind, path, to, value}.", "Une réparation est {kind, path, to, value}.")
		}
	}
	return schema, repairs, nil
}
