#!/bin/sh
# A console in one pipe: prints every hit once, with mosquitto_sub and jq. It verifies nothing: TLS says that it is the
# department's broker, and the broker's rights that only the post writes below its name. To prove an archive of what
# mosquitto_sub wrote, see "Prove an archive" in docs/subscriber.md.
#
#   sh console.sh broker.example 8883 subscribers/dispatch riverside
set -eu
host=$1 port=$2 identity=$3 agency=$4
# The client id is the name in the certificate; with -c and an expiry the session outlives the connection.
name=$(openssl x509 -in "$identity/certificate.pem" -noout -subject -nameopt multiline | sed -n 's/ *commonName *= //p')

mosquitto_sub -h "$host" -p "$port" -V mqttv5 -i "$name" -c -x 86400 -q 1 \
  --cafile "$identity/ca.pem" --cert "$identity/certificate.pem" --key "$identity/private_key.pem" \
  --tls-version tlsv1.3 -t "alpr/v1/$agency/+/hit/#" |
  jq --unbuffered -rn '
    foreach inputs as $event ({};
      # QoS 1: the same record may come again, with the same id.
      (if .seen[$event.id] then .new = false else .seen[$event.id] = true | .new = true end);
      if .new then $event else empty end)
    | (.source | split("/") | last) as $post
    | if .type == "platepost.hit.v1" then
        "UNVERIFIED \($post)  \(.data.plate_read)  \(.data.category), \(.data.match)"
        + (if .data.plate_matched == .data.plate_read then "" else ", list says \(.data.plate_matched)" end)
        + (if .data.hotlist_stale then "  THE LIST IS OLD" else "" end)
        + "\n           \(.data.wording)"
      else
        "WITHDRAWN  \($post)  hit \(.data.hit)"
      end'
