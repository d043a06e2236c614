#!/bin/sh
# A console in one pipe: prints every hit once, with mosquitto_sub and jq. It verifies nothing: TLS says that it is the
# department's broker, and the broker's rights that only the post writes below its name. To prove an archive of what
# mosquitto_sub wrote, see "Prove an archive" in docs/subscriber.md. mosquitto_sub acknowledges a hit before it is shown,
# so what is between the two when one of them is killed is lost; and it ends where the broker refuses it.
#
#   sh console.sh broker.example 8883 subscribers/dispatch riverside
set -eu
host=$1 port=$2 identity=$3 agency=$4
# The client id is the name in the certificate; with -c and an expiry the session outlives the connection.
name=$(openssl x509 -in "$identity/certificate.pem" -noout -subject -nameopt multiline | sed -n 's/ *commonName *= //p')

# With -F %j each message is one line, whatever is in it, and says its topic.
mosquitto_sub -h "$host" -p "$port" -V mqttv5 -i "$name" -c -x 86400 -q 1 \
  --cafile "$identity/ca.pem" --cert "$identity/certificate.pem" --key "$identity/private_key.pem" \
  --tls-version tlsv1.3 -t "alpr/v1/$agency/+/hit/#" -F %j |
  jq --unbuffered -rRn '
    # What a terminal would obey, or take for another line, is not printed.
    def text: if type == "string" then gsub("[[:cntrl:]]"; "?") else error("not a text") end;
    def when(holds; $doubt): if holds then "  " + $doubt else "" end;

    # What a record says: its own name and that of the hit, each with the post, which is all that may withdraw the hit.
    def said($post):
      .data as $hit
      | {post: $post, record: "\($post) \(.id | text)", hit: "\($post) \($hit.hit | text)"}
      + if .type == "platepost.hit.v1" then
          (now - (.time | sub("[.][0-9]+Z$"; "Z") | fromdate)) as $age
          | { line: ("\($hit.plate_read | text)  \($hit.category | text), \($hit.match | text)"
                + if $hit.plate_matched == $hit.plate_read then "" else ", list says \($hit.plate_matched | text)" end),
              doubts: (when($age > 300; "LATE")
                + when($hit.clock.synchronised | not; "ITS CLOCK IS UNSURE")
                + when(($hit.clock | has("held_seconds")) or $age < -300; "ITS CLOCK IS WRONG")
                + when($hit.hotlist_stale; "THE LIST IS OLD")
                + when($hit.held; "HELD FOR A PERSON")
                + when($hit.state_agreement == "contradicts"; "ANOTHER STATE BY ITS LOOK")),
              below: ("\n           "
                + if $age < 86400 then "\($age / 60 | round) min ago" else "at \(.time[0:16] | sub("T"; " ")) UTC" end
                + ", by a list "
                + if $hit.hotlist.age_seconds then "\($hit.hotlist.age_seconds / 360 | round / 10) h old"
                  else "of unknown age" end
                + "\n           \($hit.wording | text)"),
              # Made up to show that hits arrive: nobody is looked for.
              test: (if $hit.synthetic then "hits arrive: the synthetic hit took \($age | round) s" else null end) }
        elif .type == "platepost.hit.withdrawn.v1" then {withdraws: true}
        else error("another kind") end;

    # Nonsense is shown as such and ends nothing.
    def heard:
      (.topic | split("/")[3]) as $post
      | try (.payload | fromjson | said($post)) catch {nonsense: "NOT SHOWN  \($post): not a record"};

    foreach (inputs | fromjson | heard) as $new ({};
      .out = $new.nonsense
      | if .out or .seen[$new.record] then .  # QoS 1: the same record may come again, with the same id
        else
          .seen[$new.record] = true
          | if $new.withdraws then
              .withdrawn[$new.hit] = true
              | .out = "WITHDRAWN  \($new.post)  \(.hits[$new.hit] // "a hit not seen here")"
            else
              .hits[$new.hit] = $new.line
              | .out = if $new.test then "TEST       \($new.post)  \($new.test)"
                  elif .withdrawn[$new.hit] then "WITHDRAWN  \($new.post)  \($new.line)"  # it came first
                  else "UNVERIFIED \($new.post)  \($new.line)\($new.doubts)\($new.below)" end
            end
        end;
      .out // empty)'
