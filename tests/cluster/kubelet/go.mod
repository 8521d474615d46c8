module kubelet

go 1.24.0
