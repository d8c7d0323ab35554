#!/bin/sh
# A second host next to this one: its own network, host name and (where paths are given) its own
# view of the disk. Runs "$@" here, in a network of ours, with HOST_B set to the words that run a
# command there. To be started in a user namespace: unshare --map-root-user --net --uts --mount.
set -eu
hostname host-a
ip link set lo up
unshare --net --uts --mount sleep 1000 &
holder=$!
trap 'kill $holder' EXIT
# Until the holder has left our network.
while [ "$(readlink /proc/$holder/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
HOST_B="nsenter --target $holder --net --uts --mount"
ip link add name near type veth peer name far
ip link set far netns $holder
ip addr add 10.77.0.1/24 dev near
ip link set near up
$HOST_B sh -c 'hostname host-b; ip addr add 10.77.0.2/24 dev far; ip link set far up; ip link set lo up'
export HOST_B
"$@"
