extension Network {
    /// The network of the derivative along a direction, (x, ẋ) → ẏ = ∂y/∂x · ẋ; see `Graph.tangent`.
    ///
    /// It runs on the same parameters and adds to the same gradients, with activations of its own. So a penalty on the gradient
    /// g = ∇ₓ D(x; θ) is trained exactly: for P(θ) = Σᵢ φ(gᵢ) and vᵢ = φ′(gᵢ), held fixed,
    ///
    ///     ∇_θ P = Σᵢ vᵢᵀ ∂gᵢ/∂θ = ∇_θ Σᵢ Ḋ(xᵢ; vᵢ),
    ///
    /// which is the backward of this network at inputs x and directions v, with `accumulating` on top of the gradients of
    /// the loss. For the penalty of WGAN-GP, φ(g) = λ/n · (‖g‖ − 1)², v is 2λ/n · (‖g‖ − 1) · g / ‖g‖. Source: Gulrajani,
    /// Ahmed, Arjovsky, Dumoulin, Courville, Improved Training of Wasserstein GANs (2017); Pearlmutter, Fast Exact
    /// Multiplication by the Hessian (1994).
    ///
    /// - Throws: a layer through which a tangent would flow has none; the text says which.
    public func tangent() throws(GraphError) -> Network {
        Network(try graph.tangent(), parameters, gradients)
    }
}
