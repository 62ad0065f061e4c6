// SPDX-License-Identifier: MIT

package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// world describes the emulator (tests/drivers/matrix/world.py).
var world struct {
	Host              string            `json:"host"`
	Port              int               `json:"port"`
	Database          string            `json:"database"`
	CAFile            string            `json:"ca_file"`
	OtherCAFile       string            `json:"other_ca_file"`
	SQLUser           string            `json:"sql_user"`
	SQLPassword       string            `json:"sql_password"`
	Developer         string            `json:"developer"`
	DeveloperPassword string            `json:"developer_password"`
	Identity          string            `json:"identity"`
	IdentityClientID  string            `json:"identity_client_id"`
	ConvertedGo       string            `json:"converted_go"`
	App               string            `json:"app"`
	AppClientID       string            `json:"app_client_id"`
	AppSecret         string            `json:"app_secret"`
	TenantID          string            `json:"tenant_id"`
	Authority         string            `json:"authority"`
	Clear             bool              `json:"clear"`
	ByPassword        bool              `json:"by_password"`
	Tokens            map[string]string `json:"tokens"`
}

// failed is what an operation did not do; other errors are the driver's.
type failed string

func (f failed) Error() string { return string(f) }

func check(condition bool, format string, values ...any) {
	if !condition {
		panic(failed(fmt.Sprintf(format, values...)))
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func equal(got, wanted any, what string) {
	check(fmt.Sprint(got) == fmt.Sprint(wanted), "%s %v, not %v", what, got, wanted)
}

func unique(prefix string) string {
	return fmt.Sprintf("%s%010x", prefix, rand.Int63n(1<<40))
}

// value is one value of one type: its T-SQL literal and how it looks as text.
type value struct {
	Op      string          `json:"op"`
	Type    string          `json:"type"`
	Kind    string          `json:"kind"`
	Literal *string         `json:"literal"`
	Text    *string         `json:"text"`
	Repeat  json.RawMessage `json:"repeat"`
}

func (v *value) expression() string {
	if v.Literal == nil {
		return "CAST(NULL AS " + v.Type + ")"
	}
	return "CAST(" + *v.Literal + " AS " + v.Type + ")"
}

func (v *value) where() string {
	if v.Literal == nil {
		return "v IS NULL"
	}
	return "v = " + v.expression()
}

func readWorld() []value {
	data, err := os.ReadFile(os.Getenv("MATRIX_WORLD"))
	must(err)
	must(json.Unmarshal(data, &world))
	data, err = os.ReadFile(filepath.Join("common", "types.json"))
	must(err)
	var values []value
	must(json.Unmarshal(data, &values))
	for i := range values {
		if values[i].Repeat != nil {
			var repeat []any
			must(json.Unmarshal(values[i].Repeat, &repeat))
			text := strings.Repeat(repeat[0].(string), int(repeat[1].(float64)))
			values[i].Text = &text
		}
	}
	return values
}

func parseTime(text string) time.Time {
	for _, layout := range []string{"2006-01-02 15:04:05.0000000 -07:00", "2006-01-02 15:04:05.0000000",
		"2006-01-02", "15:04:05.0000000"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	panic(failed("no time: " + text))
}

// differs says how the driver's value is another one; "" when it is the same.
func (v *value) differs(got any) string {
	if got == nil || v.Text == nil {
		if got == nil && v.Text == nil {
			return ""
		}
		return fmt.Sprintf("%s: got %v, not %v", v.Type, got, v.Text)
	}
	text := ""
	same := false
	switch g := got.(type) {
	case bool:
		text = strconv.Itoa(map[bool]int{false: 0, true: 1}[g])
	case float64:
		f, err := strconv.ParseFloat(*v.Text, 64)
		same = err == nil && (f == g || v.Kind == "real" && float32(f) == float32(g))
	case time.Time:
		want := parseTime(*v.Text)
		same = g.Equal(want)
		if v.Kind == "time" {
			same = g.Format("15:04:05.0000000") == *v.Text
		}
	case []byte:
		text = string(g)
		if v.Kind == "binary" {
			text = hex.EncodeToString(g)
		}
	default:
		text = fmt.Sprint(g)
	}
	if same || text == *v.Text {
		return ""
	}
	shown := fmt.Sprint(got)
	if len(shown) > 100 {
		shown = shown[:100]
	}
	return fmt.Sprintf("%s: got %T %s", v.Type, got, shown)
}

func say(line map[string]any) {
	data, err := json.Marshal(line)
	must(err)
	fmt.Println(string(data))
}

// run does one operation; a panic is its failure.
func run(op string, act func()) {
	say(map[string]any{"begin": op})
	began := time.Now()
	result := map[string]any{"op": op, "ok": true}
	func() {
		defer func() {
			if r := recover(); r != nil {
				result["ok"] = false
				reason := strings.Join(strings.Fields(fmt.Sprint(r)), " ")
				if len(reason) > 600 {
					reason = reason[:600]
				}
				result["reason"] = reason
			}
		}()
		act()
	}()
	result["seconds"] = time.Since(began).Seconds()
	say(result)
}
